### Tên gọi của những gì chương trình biết.

product = Lũy Tre

## Nhóm nội dung

category-unknown = Trang chưa ai phân loại
category-csam = Nội dung được niêm phong
category-legal_order = Chặn theo yêu cầu của pháp luật
category-grooming = Dụ dỗ trẻ em
category-stranger_chat = Trò chuyện ẩn danh với người lạ
category-nudify_ncii = Ảnh riêng tư bị ghép hoặc bị lấy cắp
category-selfharm_promo = Cổ vũ tự làm hại bản thân
category-eating_dis_promo = Cổ vũ nhịn ăn, rối loạn ăn uống
category-dangerous_acts = Trò nguy hiểm
category-bullying_dox = Bắt nạt, bêu riếu
category-trafficking_lure = Mồi nhử của kẻ buôn người
category-porn = Khiêu dâm
category-suggestive = Gợi dục
category-adult_services = Dịch vụ người lớn
category-dating = Hẹn hò
category-gore_violence = Bạo lực, máu me
category-horror = Kinh dị
category-hate_extremism = Thù hằn, cực đoan
category-crude_language = Lời lẽ thô tục
category-drugs = Ma túy
category-alcohol = Rượu bia
category-tobacco_vape = Thuốc lá, thuốc lá điện tử
category-weapons = Vũ khí
category-gambling = Cờ bạc, cá cược
category-gambling_like = Trò giống cờ bạc
category-predatory_loan = Cho vay nặng lãi
category-speculation = Đầu cơ
category-social_network = Mạng xã hội
category-messaging = Nhắn tin
category-video_ugc = Nền tảng video
category-livestream = Phát trực tiếp
category-gaming = Trò chơi điện tử
category-gaming_16 = Trò chơi từ 16 tuổi
category-gaming_18 = Trò chơi từ 18 tuổi
category-forum_ugc = Diễn đàn
category-ai_companion = Bạn ảo, người yêu ảo
category-ai_general = Trợ lý AI
category-download_store = Kho ứng dụng và tải xuống
category-piracy = Nội dung lậu
category-ads_tracker = Quảng cáo và theo dõi
category-malware = Mã độc
category-phishing_scam = Lừa đảo, giả mạo
category-newly_registered = Tên miền mới đăng ký
category-bypass = Cách vượt qua bộ lọc
category-stalkerware = Phần mềm theo dõi lén
category-health_sexed = Sức khỏe và giáo dục giới tính
category-education_kids = Học tập cho trẻ em
category-help = Trợ giúp và trình báo

## Độ tuổi

band-0-5 = 0 đến 5 tuổi
band-6-9 = 6 đến 9 tuổi
band-10-12 = 10 đến 12 tuổi
band-13-15 = 13 đến 15 tuổi
band-16-17 = 16 và 17 tuổi
band-18 = từ 18 tuổi

## Ngày trong tuần

weekday-0 = Thứ Hai
weekday-1 = Thứ Ba
weekday-2 = Thứ Tư
weekday-3 = Thứ Năm
weekday-4 = Thứ Sáu
weekday-5 = Thứ Bảy
weekday-6 = Chủ nhật

weekday-short-0 = T2
weekday-short-1 = T3
weekday-short-2 = T4
weekday-short-3 = T5
weekday-short-4 = T6
weekday-short-5 = T7
weekday-short-6 = CN

## Việc làm

action-allow = Cho vào
action-warn = Nhắc nhở
action-ask = Hỏi trước
action-block = Khóa
action-help = Khóa và giúp đỡ

## Vì sao

step-help_set = Đây là nơi giúp đỡ, không bao giờ bị khóa.
step-sealed = Không mở được trang này.
step-security = Trang này có thể làm hại máy hoặc lén theo dõi người dùng.
step-pause = Mạng đang tạm nghỉ một lúc, trừ những nơi giúp đỡ.
step-grant = Người chăm sóc đã mở cho một lúc.
step-own_allow = Người chăm sóc đã cho phép trang này.
step-own_block = Người chăm sóc đã chọn khóa trang này.
step-schedule = Bây giờ chưa đến giờ dùng.
step-budget = Hôm nay đã dùng hết giờ, mai lại có.
step-min_age = Trang này dành cho lứa tuổi lớn hơn.
step-criterion = Nhóm trang này được xét theo lứa tuổi.
step-band_default = Nhóm trang này được xét theo lứa tuổi.
step-allow_list_only = Ở lứa tuổi này chỉ mở những trang đã được chọn.
step-rebinding = Một trang bên ngoài đang tìm cách vào thiết bị trong nhà.
step-lookalike = Tên trang này giả giống một trang nổi tiếng.
step-guessed = Chưa ai xếp loại trang này, nhưng trông nó giống nhóm này.
step-nameless = Kết nối này đi thẳng tới một địa chỉ không rõ tên.
step-unexplained = Tên và địa chỉ của kết nối này không khớp nhau.
step-hidden_name = Kết nối này giấu tên thật của trang.

## Ai thay đổi được

change-nobody = Không ai đổi được điều này, kể cả người chăm sóc.
change-authorities = Chỉ cơ quan nhà nước có thẩm quyền mới đổi được điều này.
change-guardian = Người chăm sóc có thể đổi điều này.
change-guardian_by_name = Người chăm sóc có thể mở riêng từng trang.
change-self = Bạn tự đổi được trong phần cài đặt.
