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
nav-settings = Cài đặt
nav-diagnostics = Kiểm tra
nav-waiting = { $count } lời xin phép đang chờ
sign-out = Đăng xuất
signed-in-as = Đang đăng nhập: { $name }
