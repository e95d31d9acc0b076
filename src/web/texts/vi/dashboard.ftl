### Khung của bảng điều khiển.

skip = Tới nội dung chính
nav-label = Trang chính
nav-menu = Mục
nav-home = Tổng quan
nav-children = Con cái
nav-devices = Thiết bị
nav-requests = Lời xin phép
nav-simulator = Thử xem
nav-lists = Danh sách
nav-activity = Hoạt động
nav-reports = Báo cáo ẩn danh
nav-settings = Cài đặt
nav-diagnostics = Kiểm tra
nav-waiting = { $count } lời xin phép đang chờ
sign-out = Đăng xuất
signed-in-as = Đang đăng nhập: { $name }

trouble-title = Chưa làm được
trouble-forbidden = Tài khoản này không được làm việc đó, hoặc trang đã mở quá lâu. Hãy tải lại trang rồi thử lại.
trouble-missing = Không tìm thấy trang này.
trouble-wait = Đã thử quá nhiều lần. Hãy đợi một lát rồi thử lại.
trouble-ours = Có lỗi ở phía máy. Nhật ký của máy ghi lại nguyên nhân.
trouble-form = Biểu mẫu chưa đúng. Hãy quay lại và kiểm tra.
trouble-back = Về trang chính
